"""Mine captions: read any source as a stream, clean each text or drop it with a reason, divide them into units."""
