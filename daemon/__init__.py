"""The visit: sessions, courses, operators, the panel's messages. May crash without harm."""
