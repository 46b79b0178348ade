/* SPDX-License-Identifier: MIT */
/* What a user puts into a shared library of his own, with a static clbn in it. */
#include <clbn.h>

#ifndef CLBN_STATIC
#error "neither the CMake package nor pkg-config says that clbn is static"
#endif

const char *plugin_version(void);

const char *plugin_version(void)
{
    clbn_plan_desc desc = CLBN_PLAN_DESC_INIT;
    return clbnCreatePlan(NULL, &desc, NULL) == NULL ? clbnVersion() : NULL;
}
