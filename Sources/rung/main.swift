import Glibc
import RungCLI

exit(Rung.execute())
