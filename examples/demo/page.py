"""What the page says. Edit this file while the page is open: http://localhost:8000"""

TITLE = "Hello from hpp"
TEXT = "This server was started by hpp, which restarts it whenever you save one of its files."
