#include "resident.h"

/* Bytes to a vector of what is kept, and that a work-item computes with beside what it keeps. */
#define VECTOR_BYTES  16
#define WORKING_BYTES 160

/* Numbers of a work-item that a group adds up, and how many work-items' one adds at a time, in two elements each at most
 * (kernels/resident.cl). */
#define MERGED_NUMBERS 3
#define MERGE_STEP     8

/* Pieces of a work-item that kernels unroll: of the largest size, the 16-bit types have no single ones (resident_rows.cl). */
#define MOST_PIECES 128

/* A unit alone draws at most so many times its share of the memory's speed. */
#define GREATEST_SHARE 2

/* Times that the forward moves the tensor where it is kept, and where it is read again. */
#define PASSES_KEPT     2
#define PASSES_STREAMED 3

/*
 * Few sizes, since each is a program. Of a unit with 64 K registers of 4 bytes the first leaves room for four groups, which
 * hide each other's barriers, the second for two; the third takes all of it.
 */
static const struct residence sizes[] = { { 256, 4, 0, true }, { 256, 16, 0, true }, { 512, 21, 5, true } };
enum { SIZES = sizeof(sizes) / sizeof(sizes[0]) };

static const struct residence nothing = { 0, 0, 0, false };

unsigned bn_least_piece(const struct residence *r, clbn_type type)
{
    const unsigned vector = VECTOR_BYTES / (unsigned)bn_type_size(type);
    return (r->kept + r->shelved) * vector <= MOST_PIECES ? 1 : vector / 2;
}

/* Whether so many tensors of a channel fit. */
static bool fits(const struct residence *r, const struct kept_work *work, unsigned tensors)
{
    const size_t slots = (size_t)r->group * ((r->kept + r->shelved) / tensors);
    return work->shape->values_per_channel <= slots * (VECTOR_BYTES / bn_type_size(work->type)) &&
           work->shape->inner % bn_least_piece(r, work->type) == 0;
}

bool bn_keeps_forward(const struct residence *r, const struct kept_work *work)
{
    return fits(r, work, 1);
}

bool bn_keeps_backward(const struct residence *r, const struct kept_work *work)
{
    /* Of the largest size there are too few registers left to take dy back through an activation. */
    return fits(r, work, 2) && (r->shelved == 0 || work->activation == CLBN_ACTIVATION_NONE);
}

static size_t register_bytes(const struct residence *r)
{
    return (size_t)r->group * (r->kept * VECTOR_BYTES + WORKING_BYTES);
}

static size_t local_bytes(const struct residence *r, clbn_type type)
{
    const size_t merged = MERGED_NUMBERS * (r->group + 2 * r->group / MERGE_STEP) * bn_parameter_size(type);
    return (size_t)r->group * r->shelved * VECTOR_BYTES + merged;
}

static bool device_has_room(const struct residence *r, const struct device_facts *facts, clbn_type type)
{
    return r->group <= facts->max_group_size && register_bytes(r) <= facts->register_size &&
           local_bytes(r, type) <= facts->local_size;
}

/* The smallest that fits. */
static struct residence find_size(const struct device_facts *facts, const struct kept_work *work,
                                  bool (*keeps)(const struct residence *, const struct kept_work *))
{
    for (unsigned i = 0; i < SIZES; i++)
        if (device_has_room(&sizes[i], facts, work->type) && keeps(&sizes[i], work))
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

struct residence bn_choose_residence(cl_uint engine_flags, const struct device_facts *facts, const struct kept_work *work)
{
    const struct shape *shape = work->shape;
    if (shape->elements == 0 || shape->channels_last || (engine_flags & CLBN_ENGINE_SPLIT))
        return nothing;
    struct residence r = find_size(facts, work, bn_keeps_backward);
    if (r.kept == 0)
        r = find_size(facts, work, bn_keeps_forward);
    r.unrolled = r.unrolled && !facts->is_cpu;
    /* What the smallest size keeps is a small problem, for which one kernel is best however few channels there are. */
    bool is_small = r.kept == sizes[0].kept;
    if (r.kept == 0 || is_small || (engine_flags & CLBN_ENGINE_WHOLE) || keeps_device_busy(&r, facts, shape->channels))
        return r;
    return nothing;
}
