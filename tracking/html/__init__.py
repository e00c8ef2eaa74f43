"""The report as one self-contained HTML page: no network, readable without JavaScript, safe for any name."""
