"""As in vLLM."""


class StructuredOutputsParams:
    pass
