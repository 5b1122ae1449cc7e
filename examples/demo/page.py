"""Edit me, save, and load http://localhost:8000 again. Try a mistake, too."""

TITLE = "Hello from hpp"
TEXT = "The server was restarted when this file was saved, and your request waited for it."
