/*
 * Channels last, which core has what. A second walk is faster where each core meets again what it has read in the first, but OpenCL gives
 * groups to whichever core asks first, and a kernel cannot ask where it runs. A single work-item's private memory, though, lies on its
 * thread's stack. So groups of the first walk note a place in theirs for each of the smaller parts of their part, and groups of the
 * second, of which there is one to a unit, claim those that were noted on their own stack, and when none of these is left, others'. Each
 * is claimed by one group, wherever private memory lies.
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

/* Notes that this thread has read this group's part: those of it that are claimed become free. claims: NULL where nobody asks. */
INLINE void note_part(division d, __global claim *claims)
{
    if (CLBN_GROUP != 1 || !claims)
        return;
    uint here = 0;
    const ulong pieces = d.claimed_parts / d.parts, first = get_group_id(0) * pieces;
    for (ulong i = first; i < first + pieces; i++) {
        claims[i].place = (ulong)(uintptr_t)&here;
        claims[i].claimed = 0;
    }
}

INLINE bool try_claim(__global claim *of)
{
    return atomic_cmpxchg(&of->claimed, 0, 1) == 0;
}

/* What a group may still claim: of what this thread has read, parts below own_end; of all, parts from begin to end. */
typedef struct {
    ulong own_end, begin, end;
} claimable;

/* Without claims, groups are as many as parts, and each has one. */
INLINE claimable all_claimable(__global claim *claims, ulong parts)
{
    const ulong only = second_group(0);
    const claimable c = { claims ? parts : 0, claims ? 0 : only, claims ? parts : only + 1 };
    return c;
}

/* The next part for this group, if there is one: what its thread has read last first, then what others have read first. */
INLINE bool claim_part(__global claim *claims, claimable *c, ulong *part)
{
    uint here = 0;
    const ulong place = (ulong)(uintptr_t)&here;
    while (c->own_end > 0) {
        *part = --c->own_end;
        if (claims[*part].place - place + STACK_REACH < 2 * STACK_REACH && try_claim(&claims[*part]))
            return true;
    }
    while (c->begin < c->end) {
        *part = c->begin++;
        if (!claims || try_claim(&claims[*part]))
            return true;
    }
    return false;
}
