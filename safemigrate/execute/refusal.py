"""What ends a run that could only go on by guessing."""

from safemigrate.execute.stopping import StopRunError

__all__ = ["CannotResumeError"]


class CannotResumeError(StopRunError):
    """A revision that is half done cannot go on; never leaves the package.

    `hint`: the ways out.
    """

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.hint = hint
