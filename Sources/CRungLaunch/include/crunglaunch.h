int rung_launch_placeholder(void);
