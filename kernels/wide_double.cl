/* Merges compute in type wide, with more bits than an element has. Here: double. Its twin is wide_pair.cl. */
typedef double wide;

wide wide_of(real a)
{
    return a;
}

wide wide_of_count(ulong n)
{
    return (double)n;
}

/* A number that the host split into two elements. */
wide wide_of_parts(real high, real low)
{
    return (double)high + (double)low;
}

real real_of(wide a)
{
    return (real)a;
}

/* Less than, equal to or greater than 0, as the result is. */
real wide_sign(wide a)
{
    return (real)(a > 0) - (real)(a < 0);
}

wide wide_add(wide a, wide b)
{
    return a + b;
}

wide wide_subtract(wide a, wide b)
{
    return a - b;
}

wide wide_multiply(wide a, wide b)
{
    return a * b;
}

wide wide_divide(wide a, wide b)
{
    return a / b;
}

/* 1/sqrt(a), a > 0. */
wide wide_inverse_sqrt(wide a)
{
    return 1.0 / sqrt(a);
}

/* Whether sums of squares need a range beyond an element's; then scaled sums can be taken back exactly. */
bool wide_extends_range(void)
{
    return CLBN_TYPE != CLBN_FLOAT64;
}

/* A vector of wide numbers, to which vectors of elements are added. */
typedef CLBN_JOIN(double, CLBN_VECTOR) widev;
#define convert_widev CLBN_JOIN(convert_double, CLBN_VECTOR)

INLINE void clear_widev(widev *a)
{
    *a = 0;
}

INLINE void add_to_widev(widev *a, realv b)
{
    *a += convert_widev(b);
}

INLINE void spread_widev(widev v, wide *a)
{
    spread_vector(v, a);
}
