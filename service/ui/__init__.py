"""Pages for planners: plain HTML from the server, figures drawn from the same tables, nothing from elsewhere."""

from lodeplan.service.ui import words
from lodeplan.service.ui.pages import router

__all__ = ["router", "words"]
