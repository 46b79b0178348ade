#include "resident.h"

/* Bytes to a vector of what is kept, and that a work-item computes with beside what it keeps. */
#define VECTOR_BYTES  16
#define WORKING_BYTES 160

/* Bytes of local memory to a work-item in which a group merges: three sums, of two doubles each where there is no more than
 * double. */
#define MERGE_BYTES 48

/* A unit alone draws at most so many times its share of the memory's speed. */
#define GREATEST_SHARE 2

/* Times that the forward moves the tensor where it is kept, and where it is read again. */
#define PASSES_KEPT     2
#define PASSES_STREAMED 3

/*
 * Few sizes, since each is a program. Of a unit with 64 K registers of 4 bytes the first leaves room for four groups, which
 * hide each other's barriers, the second for two; the third takes all of it.
 */
static const struct residence sizes[] = { { 256, 4, 0 }, { 256, 16, 0 }, { 512, 22, 4 } };
enum { SIZES = sizeof(sizes) / sizeof(sizes[0]) };

static const struct residence nothing = { 0, 0, 0 };

bool bn_fits_residence(const struct residence *r, clbn_type type, const struct shape *shape, unsigned tensors)
{
    const size_t values = (size_t)r->group * (r->kept + r->shelved) / tensors * (VECTOR_BYTES / bn_type_size(type));
    return shape->values_per_channel <= values;
}

static size_t register_bytes(const struct residence *r)
{
    return (size_t)r->group * (r->kept * VECTOR_BYTES + WORKING_BYTES);
}

static bool device_has_room(const struct residence *r, const struct device_facts *facts)
{
    return r->group <= facts->max_group_size && register_bytes(r) <= facts->register_size &&
           (size_t)r->group * (r->shelved * VECTOR_BYTES + MERGE_BYTES) <= facts->local_size;
}

/* The smallest that fits. */
static struct residence find_size(const struct device_facts *facts, clbn_type type, const struct shape *shape, unsigned tensors)
{
    for (unsigned i = 0; i < SIZES; i++)
        if (device_has_room(&sizes[i], facts) && bn_fits_residence(&sizes[i], type, shape, tensors))
            return sizes[i];
    return nothing;
}

/*
 * Whether groups that have a channel each are sooner done, although the last of them, or all, leave units idle, than groups
 * that share channels and read them again. In units of the time in which the whole device moves a channel once: a round of
 * as many groups as fit takes that for each of them, and one of few groups no less than the units' greatest share allows.
 */
static bool keeps_device_busy(const struct residence *r, const struct device_facts *facts, size_t channels)
{
    const size_t round = facts->compute_units * (facts->register_size / register_bytes(r));
    const size_t rest = channels % round;
    const size_t least = round / GREATEST_SHARE;
    const double kept = (double)(channels - rest) + (double)(rest > 0 && rest < least ? least : rest);
    return PASSES_KEPT * kept <= PASSES_STREAMED * (double)channels;
}

struct residence bn_choose_residence(cl_uint engine_flags, const struct device_facts *facts, clbn_type type,
                                     const struct shape *shape)
{
    if (shape->elements == 0 || shape->channels_last || (engine_flags & CLBN_ENGINE_SPLIT))
        return nothing;
    struct residence r = find_size(facts, type, shape, 2);
    if (r.kept == 0)
        r = find_size(facts, type, shape, 1);
    /* What the smallest size keeps is a small problem, for which one kernel is best however few channels there are. */
    bool is_small = r.group == sizes[0].group && r.kept == sizes[0].kept;
    if (r.kept == 0 || is_small || (engine_flags & CLBN_ENGINE_WHOLE) || keeps_device_busy(&r, facts, shape->channels))
        return r;
    return nothing;
}
