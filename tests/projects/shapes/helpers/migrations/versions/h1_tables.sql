CREATE TABLE tray (id bigint PRIMARY KEY, rack_id bigint NOT NULL, label text);
CREATE TABLE rack (id bigint PRIMARY KEY, label text);
