#include "crunglaunch.h"
int rung_launch_placeholder(void){return 0;}
