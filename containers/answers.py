"""Exit with 0 if a URL answers 200, else say why: the health check of the services.

MLflow's /health says 200 to anybody; its API refuses a Host header that it does not know, a wrong password and a
database that is away. So what is asked is the API, by the name that clients use.
"""

import base64
import os
import sys
import urllib.error
import urllib.request


def main(url: str) -> int:
    """Ask once, for at most five seconds."""
    request = urllib.request.Request(url)
    user, password = os.environ.get("MLFLOW_TRACKING_USERNAME"), os.environ.get("MLFLOW_TRACKING_PASSWORD")
    if user and password:
        request.add_header("Authorization", "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode())
    try:
        with urllib.request.urlopen(request, timeout=5):
            return 0
    except (urllib.error.URLError, OSError) as error:
        print(f"{url}: {error}")
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
