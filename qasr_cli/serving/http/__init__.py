"""What every route of the HTTP server shares.

site        the service and the settings of this server
uploads     a request's body: fields, and a file that goes straight to disk
body_memory what all bodies together may take
failures    errors as OpenAI's JSON object
waiting     a job's changes in the event loop
job_fields  a job as its clients get it
"""
