/*
 * Records of clbn.h's phases: [rows][channels] of elements, in pairs of rows whose sums are the numbers, high parts before low
 * parts. They carry a channel's moments and sums between devices, whatever these merge in.
 */
#define RECORD_COUNT 0
#define RECORD_MEAN 2
#define RECORD_M2 4
#define STATISTICS_ROWS 6

#define RECORD_G 2
#define RECORD_G_XHAT 4
#define RECORD_XHAT 6
#define SUMS_ROWS 8

wide load_number(__global const real *record, ulong channels, ulong channel, uint row)
{
    return wide_of_parts(record[row * channels + channel], record[(row + 1) * channels + channel]);
}

void store_number(__global real *record, ulong channels, ulong channel, uint row, wide value)
{
    record[row * channels + channel] = real_of(value);
    record[(row + 1) * channels + channel] = real_of(wide_subtract(value, wide_of(real_of(value))));
}

ulong load_count(__global const real *record, ulong channels, ulong channel)
{
    real high = record[RECORD_COUNT * channels + channel];
    real low = record[(RECORD_COUNT + 1) * channels + channel];
    return (ulong)high + (ulong)(long)low;
}

moments load_moments(__global const real *record, ulong channels, ulong channel)
{
    moments m = no_moments();
    m.count = load_count(record, channels, channel);
    if (m.count > 0) {
        m.sum = wide_multiply(load_number(record, channels, channel, RECORD_MEAN), wide_of_count(m.count));
        m.m2 = load_number(record, channels, channel, RECORD_M2);
    }
    return m;
}

void store_moments(__global real *record, ulong channels, ulong channel, moments m)
{
    store_number(record, channels, channel, RECORD_COUNT, wide_of_count(m.count));
    store_number(record, channels, channel, RECORD_MEAN, m.count > 0 ? mean_of(m) : wide_of(0));
    store_number(record, channels, channel, RECORD_M2, m.m2);
}

sums load_sums(__global const real *record, ulong channels, ulong channel)
{
    sums s;
    s.g = load_number(record, channels, channel, RECORD_G);
    s.g_xhat = load_number(record, channels, channel, RECORD_G_XHAT);
    s.xhat = load_number(record, channels, channel, RECORD_XHAT);
    return s;
}

void store_sums(__global real *record, ulong channels, ulong channel, sums s, ulong count)
{
    store_number(record, channels, channel, RECORD_COUNT, wide_of_count(count));
    store_number(record, channels, channel, RECORD_G, s.g);
    store_number(record, channels, channel, RECORD_G_XHAT, s.g_xhat);
    store_number(record, channels, channel, RECORD_XHAT, s.xhat);
}
