/* SPDX-License-Identifier: MIT */
#ifndef CLBN_TOOL_WINDOWS_ERROR_H
#define CLBN_TOOL_WINDOWS_ERROR_H

/* Gives errno the reason of the Windows call that has just failed. */
void windows_set_errno(void);

#endif
