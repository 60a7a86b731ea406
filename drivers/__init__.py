"""What hardware says and does: quantities, streams, codecs, devices. Nothing here knows a subject or a dose."""
