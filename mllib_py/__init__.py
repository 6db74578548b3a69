"""Machine learning on Spark for people who write Python."""

from mllib_py._bridge import MLlibError
from mllib_py._session import session
from mllib_py.data import Ratings, ratings
from mllib_py.recommendation import ALS, load

__version__ = "0.1.0"
__all__ = ["ALS", "MLlibError", "Ratings", "load", "ratings", "session"]
