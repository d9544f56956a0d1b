"""The description of the HTTP interface at `/openapi.json`, in OpenAPI 3.1.

document   the whole: one path for each route
recordings, chat, jobs, whisper, server
           the paths of each group of routes
schemas    the objects in answers
parts      what descriptions are made of

Formats, profiles and limits come from the tables that the program itself uses.
"""

from qasr_cli.serving.openapi.document import routes

__all__ = ["routes"]
