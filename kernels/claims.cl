/*
 * Channels last, which core has what. A second walk is faster where each core meets again what it has read in the first, but OpenCL gives
 * groups to whichever core asks first, and a kernel cannot ask where it runs. A single work-item's private memory, though, lies on its
 * thread's stack. So groups of the first walk note a place in theirs, and groups of the second claim a part of the rows that was noted
 * on their own stack, or if there is none left, any. Each part is claimed by one group, wherever private memory lies.
 */
typedef struct {
    ulong place;
    int claimed, unused;
} claim;

/* NULL as claims are. */
INLINE __global claim *claims_at(__global uchar *claims, ulong offset)
{
    return claims ? (__global claim *)(claims + offset) : 0;
}

/* Threads' stacks are further apart, and these places in one are not. */
#define STACK_REACH (1 << 20)

/* Notes that this thread has read a part, which becomes free to claim. claims: NULL where nobody asks. */
INLINE void note_part(__global claim *claims, ulong part)
{
    if (CLBN_GROUP != 1 || !claims)
        return;
    uint here = 0;
    claims[part].place = (ulong)(uintptr_t)&here;
    claims[part].claimed = 0;
}

INLINE bool try_claim(__global claim *of)
{
    return atomic_cmpxchg(&of->claimed, 0, 1) == 0;
}

/* A part for this group, of as many as there are groups: what this thread has read last first, of others' what they have read first. */
INLINE ulong claim_part(__global claim *claims, ulong parts)
{
    uint here = 0;
    const ulong place = (ulong)(uintptr_t)&here;
    for (ulong i = parts; i-- > 0;)
        if (claims[i].place - place + STACK_REACH < 2 * STACK_REACH && try_claim(&claims[i]))
            return i;
    for (ulong i = 0; i < parts; i++)
        if (try_claim(&claims[i]))
            return i;
    return 0; /* not reached: another kernel has claimed a part */
}
