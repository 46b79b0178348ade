/* SPDX-License-Identifier: MIT */
/* What is done before somebody ends the program: a signal, or on Windows Ctrl-C, the closed window, the end of the session. */
#ifndef CLBN_TOOL_ENDING_H
#define CLBN_TOOL_ENDING_H

/* From here on, a signal that ends the program (SIGHUP, SIGINT, SIGPIPE or SIGTERM) has clean_up() called, which may do what a signal's
 * handler may. Signals that are ignored stay so. OpenCL's threads get signals, too; they are passed on to the thread that called this. */
void ending_guard(void (*clean_up)(void));

/* Nothing ends the program so, from here until it is released. May be nested; all by the one thread. */
void ending_hold(void);
void ending_release(void);

#endif
