"""Names of user attributes of trials that studies keep for themselves.

They have a module of their own so that a worker knows them without Optuna.
"""

DROPPED = "dropped"  # why a trial was ended that says nothing of its parameters
AGAIN = "again"  # the number of the dropped trial that this one stands for
DEATHS = "deaths"  # how many drivers died with this trial or those that it stands for
ERROR = "error"  # the text of the exception that a trial failed with
RUN = "run"  # where and when it ran
POINT = "point"  # its number in a grid

RESERVED = (DROPPED, AGAIN, DEATHS, ERROR, RUN, POINT)
