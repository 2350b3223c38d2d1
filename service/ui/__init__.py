"""Pages for planners: plain HTML from the server, figures drawn from the same tables, nothing from elsewhere."""

from service.ui import words
from service.ui.pages import router

__all__ = ["router", "words"]
