"""Mercury: GM of the sun, the speed of light and the elements of the orbit (J2000), and what follows from them."""

import math

SUN = 1.32712440018e20  # GM in m^3/s^2
LIGHT = 299792458.0  # m/s
AXIS = 57.909050e9  # m
ECCENTRICITY = 0.205630
PERIOD = 87.9691  # days

STRENGTH = SUN / (LIGHT**2 * AXIS * (1 - ECCENTRICITY**2))
ARCSECONDS = 36525 / PERIOD * math.degrees(1) * 3600  # in a century, for one radian per orbit
