import os

from pydantic_settings import BaseSettings


class Settings(BaseSettings):
    database_url: str
    region: str = os.environ["BAKERY_REGION"]


settings = Settings()
