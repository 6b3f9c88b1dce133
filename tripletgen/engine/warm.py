"""Imported by the process that workers are forked from, so that what every unit needs is loaded once, not once a worker."""

from tripletgen.units import warm_up

warm_up()
