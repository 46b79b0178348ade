/*
 * On chip: a group reads its channels once and keeps them as they are stored, in registers and, where the variant says so, on
 * a shelf in local memory; what follows is computed from there. So the forward moves two tensors and the backward three.
 *
 * Constants that the host sets for a variant that keeps channels (host/schedule/resident.c):
 *   CLBN_KEPT     vectors that a work-item keeps in registers, of x, or half of them of x and half of dy
 *   CLBN_SHELVED  vectors more, likewise, that it keeps on the shelf
 *   CLBN_UNROLLED 1: loops over kept vectors are unrolled, since registers have no index; 0: they need not be, on a CPU, whose
 *                 compilers take seconds for that
 */
#if !defined(CLBN_KEPT) || !defined(CLBN_SHELVED) || !defined(CLBN_UNROLLED)
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
typedef uint2 packed_half;

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

#define FORWARD_SLOTS (CLBN_KEPT + CLBN_SHELVED)
#define FORWARD_ROOM ((room){ CLBN_KEPT, FORWARD_SLOTS })

/* The backward's are x and dy by halves. */
#define BACKWARD_SLOTS ((CLBN_KEPT + CLBN_SHELVED) / 2)
#define X_ROOM ((room){ CLBN_KEPT / 2, BACKWARD_SLOTS })
#define DY_ROOM ((room){ CLBN_KEPT - CLBN_KEPT / 2, BACKWARD_SLOTS })

INLINE realv kept_values(room r, walk w, const packed_vector *kept, __local const packed_vector *shelf, uint slot)
{
    packed_vector v = slot < r.registers ? kept[slot] : shelf[(slot - r.registers) * CLBN_GROUP + get_local_id(0)];
    if (sizeof(storage) < sizeof(real))
        v ^= w.nil;
    return decode(as_storagev(v));
}

INLINE void keep_values(room r, packed_vector *kept, __local packed_vector *shelf, uint slot, packed_vector v)
{
    if (slot < r.registers)
        kept[slot] = v;
    else
        shelf[(slot - r.registers) * CLBN_GROUP + get_local_id(0)] = v;
}

/* 0, 1, ... */
INLINE realv element_numbers(void)
{
    real a[CLBN_VECTOR];
    for (uint i = 0; i < CLBN_VECTOR; i++)
        a[i] = i;
    return vector_of(a);
}

/* A slot's v, but 0 for elements that are not among the first count of the work-item's. numbers: element_numbers() */
INLINE realv first_elements(realv v, realv numbers, uint count, uint slot)
{
    return numbers < (real)((int)count - (int)(slot * CLBN_VECTOR)) ? v : (realv)0;
}

/* Work-items whose numbers one adds up at a time, and how many do first. */
#define MERGE_STEP 8
#define MERGERS ((CLBN_GROUP + MERGE_STEP - 1) / MERGE_STEP)

/*
 * Adds up count numbers of each work-item of a group in a fixed order, for all of them. cells: [count][CLBN_GROUP], scratch:
 * [count][MERGERS], which may serve again.
 */
INLINE void add_group_numbers(const real *own, wide *totals, uint count, __local real *cells, __local wide *scratch)
{
    uint item = get_local_id(0);
    for (uint n = 0; n < count; n++)
        cells[n * CLBN_GROUP + item] = own[n];
    barrier(CLK_LOCAL_MEM_FENCE);
    for (uint n = 0; n < count && item < MERGERS; n++) {
        wide sum = wide_of(cells[n * CLBN_GROUP + item]);
        for (uint other = item + MERGERS; other < CLBN_GROUP; other += MERGERS)
            sum = wide_add(sum, wide_of(cells[n * CLBN_GROUP + other]));
        scratch[n * MERGERS + item] = sum;
    }
    for (uint width = MERGERS; width > 1; width = (width + MERGE_STEP - 1) / MERGE_STEP) {
        uint next = (width + MERGE_STEP - 1) / MERGE_STEP;
        barrier(CLK_LOCAL_MEM_FENCE);
        for (uint n = 0; n < count && item < next; n++) {
            wide sum = scratch[n * MERGERS + item];
            for (uint other = item + next; other < width; other += next)
                sum = wide_add(sum, scratch[n * MERGERS + other]);
            scratch[n * MERGERS + item] = sum;
        }
    }
    /* Results may be written over tensors that other work-items have read until now. */
    barrier(CLK_LOCAL_MEM_FENCE | CLK_GLOBAL_MEM_FENCE);
    for (uint n = 0; n < count; n++)
        totals[n] = scratch[n * MERGERS];
}
