"""Edit me and save: http://localhost:8000 shows it. Try a mistake, too."""

TITLE = "Hello from hpp"
TEXT = "The server was restarted when this file was saved, and your request waited for it."
