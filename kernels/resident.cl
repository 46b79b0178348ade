/*
 * On chip: a group reads its channels once and keeps them as they are stored, in registers and, where the variant says so, on
 * a shelf in local memory; what follows is computed from there. So the forward moves two tensors and the backward three.
 *
 * Constants that the host sets for a variant that keeps channels (host/resident.c):
 *   CLBN_KEPT     vectors that a work-item keeps in registers, of x, or half of them of x and half of dy
 *   CLBN_SHELVED  vectors more, likewise, that it keeps on the shelf
 * Loops over kept vectors are unrolled: registers have no index.
 */
#if !defined(CLBN_KEPT) || !defined(CLBN_SHELVED)
#error "a constant of the variant is missing"
#endif

/* Vectors of a shelf of so many slots; one that is not used where there are none. */
#define SHELF_VECTORS(slots) ((slots) > 0 ? (slots)*CLBN_GROUP : 1)

/*
 * A vector of 16 bytes as it is kept. What is computed from kept vectors, and from a work-item's number, in one walk over them
 * must be computed anew in the next: compilers that see that it is the same keep that in registers, too, and have none left.
 * So each walk begins with numbers of its own, which they cannot see through.
 */
typedef uint4 packed_vector;

typedef struct {
    uint item; /* get_local_id(0) */
    uint nil;  /* 0 */
} walk;

INLINE void start_walk(walk *w)
{
    volatile uint item = get_local_id(0);
    volatile uint nil = 0;
    w->item = item;
    w->nil = nil;
}

/* Vectors that a work-item keeps of a tensor: so many in registers, so many in all. */
typedef struct {
    uint registers, slots;
} room;

INLINE realv kept_values(room r, walk w, const packed_vector *kept, __local const packed_vector *shelf, uint slot)
{
    packed_vector v = slot < r.registers ? kept[slot] : shelf[(slot - r.registers) * CLBN_GROUP + get_local_id(0)];
    if (sizeof(storage) < sizeof(real))
        v ^= w.nil;
    return decode(as_storagev(v));
}

INLINE void keep_values(room r, packed_vector *kept, __local packed_vector *shelf, uint slot, storagev v)
{
    if (slot < r.registers)
        kept[slot] = as_uint4(v);
    else
        shelf[(slot - r.registers) * CLBN_GROUP + get_local_id(0)] = as_uint4(v);
}

/* v, but 0 from element number count on. */
INLINE realv first_elements(realv v, uint count)
{
    real a[CLBN_VECTOR];
    spread_vector(v, a);
    for (uint i = 0; i < CLBN_VECTOR; i++)
        a[i] = i < count ? a[i] : 0;
    return vector_of(a);
}

/* How many elements of a slot are among the first count that a work-item has. */
INLINE uint elements_in_slot(uint count, uint slot)
{
    return count > slot * CLBN_VECTOR ? count - slot * CLBN_VECTOR : 0;
}

/* sum scale * (x - pivot) and sum (scale * (x - pivot))^2 of a channel. */
typedef struct {
    wide sum, squares;
} deviations;

/* Work-items whose results one adds up at a time. */
#define MERGE_STEP 8

/* Adds a group's deviations in a fixed order and gives them to all its work-items. */
deviations add_group_deviations(real sum, real squares, __local deviations *scratch)
{
    uint item = get_local_id(0);
    deviations own = { wide_of(sum), wide_of(squares) };
    scratch[item] = own;
    for (uint width = CLBN_GROUP; width > 1; width = (width + MERGE_STEP - 1) / MERGE_STEP) {
        uint next = (width + MERGE_STEP - 1) / MERGE_STEP;
        barrier(CLK_LOCAL_MEM_FENCE);
        if (item >= next)
            continue;
        for (uint other = item + next; other < width; other += next) {
            own.sum = wide_add(own.sum, scratch[other].sum);
            own.squares = wide_add(own.squares, scratch[other].squares);
        }
        scratch[item] = own;
    }
    /* Results may be written over tensors that other work-items have read until now. */
    barrier(CLK_LOCAL_MEM_FENCE | CLK_GLOBAL_MEM_FENCE);
    own = scratch[0];
    barrier(CLK_LOCAL_MEM_FENCE); /* scratch serves again */
    return own;
}
