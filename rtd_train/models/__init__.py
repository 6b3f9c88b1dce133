"""The networks: CLIP's text encoder, the projection module phi, and the composed query of both."""
