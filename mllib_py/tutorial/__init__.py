"""The MovieLens tutorial behind `mllib-py movielens`; it uses public names of mllib_py only."""
