/* SPDX-License-Identifier: MIT */
#include "kinds.h"

/* Each with groups follows the same with vectors. */
enum { VECTOR_PLAIN = 0, VECTOR_NO_DOUBLE = 2, VECTOR_INDEX_64 = 4, VECTOR_SPLIT = 6, VECTOR_WHOLE = 8 };

enum { TYPES = CLBN_BFLOAT16 + 1 };

/* Whether indices and wide arithmetic are the usual ones; SPLIT and WHOLE choose among the kernels of one program. */
static bool has_usual_programs(int config)
{
    return (engine_configs[config].flags & (CLBN_ENGINE_NO_DOUBLE | CLBN_ENGINE_INDEX_64)) == 0;
}

/* In both layouts: float32 without activation in all configurations; in the plain ones the other types, and ReLU, which most layers
 * have. Its mask keeps vectors of bfloat16 in their order, which are shuffled else where a work-item is alone. */
static enum extent extent_in_base(struct kind kind)
{
    const bool plain = kind.config < PLAIN_ENGINE_CONFIGS;
    if (kind.type == CLBN_FLOAT32 && kind.activation == CLBN_ACTIVATION_NONE)
        return has_usual_programs(kind.config) ? THROUGHOUT : SPARSELY;
    if (plain && kind.activation == CLBN_ACTIVATION_NONE)
        return SPARSELY;
    if (plain && kind.activation == CLBN_ACTIVATION_RELU)
        return kind.type == CLBN_FLOAT32 || (kind.type == CLBN_BFLOAT16 && kind.config == VECTOR_PLAIN) ? SPARSELY : NOT_TESTED;
    return NOT_TESTED;
}

/*
 * The covering array: a cell for each type and activation. The bits of a cell's number choose layout, geometry and width of an index, so
 * that a type's eight cells have all combinations of these; an activation's four have each value twice. The type of merges follows
 * from the bits' parity. Of the configurations that have the same programs (plain, split, whole), each type has another one.
 */
static bool is_in_array(struct kind kind)
{
    static const unsigned shifts[TYPES] = { [CLBN_FLOAT32] = 0, [CLBN_FLOAT64] = 3, [CLBN_FLOAT16] = 7, [CLBN_BFLOAT16] = 4 };
    static const int usual[] = { VECTOR_PLAIN, VECTOR_SPLIT, VECTOR_WHOLE };
    const unsigned cell = (unsigned)kind.activation ^ shifts[kind.type];
    const unsigned channels_last = cell & 1, grouped = cell >> 1 & 1, index_64 = cell >> 2 & 1;
    const int with_vectors = index_64 != 0              ? VECTOR_INDEX_64
                             : channels_last != grouped ? VECTOR_NO_DOUBLE
                                                        : usual[kind.type % 3];
    return kind.channels_last == (channels_last != 0) && kind.config == with_vectors + (int)grouped;
}

/* Some activations throughout, each with vectors or with groups; other indices and wide arithmetic with float32 alone: the wide
 * arithmetic of float64 is always its own. */
static bool is_in_product(struct kind kind)
{
    static const unsigned with_vectors[TYPES] = {
        [CLBN_FLOAT32] = 1u << CLBN_ACTIVATION_RELU | 1u << CLBN_ACTIVATION_LEAKY_RELU | 1u << CLBN_ACTIVATION_SILU,
        [CLBN_FLOAT64] = 1u << CLBN_ACTIVATION_SILU,
        [CLBN_BFLOAT16] = 1u << CLBN_ACTIVATION_RELU, /* a mask keeps vectors in order, which are shuffled else */
    };
    static const unsigned with_groups[TYPES] = { [CLBN_FLOAT32] = 1u << CLBN_ACTIVATION_RELU6 | 1u << CLBN_ACTIVATION_ELU };
    const struct engine_config *config = &engine_configs[kind.config];
    const unsigned *tested = config->geometry == CLBN_GEOMETRY_VECTOR ? with_vectors : with_groups;
    if (!has_usual_programs(kind.config))
        return kind.type == CLBN_FLOAT32 && kind.activation == CLBN_ACTIVATION_NONE;
    /* Types that are only stored: nothing else of a configuration knows them. */
    if ((kind.type == CLBN_FLOAT16 || kind.type == CLBN_BFLOAT16) && (config->flags & CLBN_ENGINE_WHOLE) != 0)
        return false;
    return kind.activation == CLBN_ACTIVATION_NONE || (tested[kind.type] >> kind.activation & 1) != 0;
}

enum extent extent_of_kind(struct kind kind, bool full)
{
    if (full && is_in_product(kind))
        return THROUGHOUT;
    const enum extent extent = extent_in_base(kind);
    return extent == NOT_TESTED && is_in_array(kind) ? SPARSELY : extent;
}
