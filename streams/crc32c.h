/* The checksum of Kafka's batches, by the processor where it can. */

#include <Python.h>
#include <stdint.h>
#include <string.h>

/* CRC-32C, reflected polynomial 0x82f63b78: https://www.rfc-editor.org/rfc/rfc3720#appendix-B.4 */
static uint32_t crc_of_byte[256];

static void fill_crc_table(void)
{
    for (uint32_t byte = 0; byte < 256; byte++) {
        uint32_t crc = byte;
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78u : 0);
        crc_of_byte[byte] = crc;
    }
}

static uint32_t crc_of_bytes(uint32_t crc, const unsigned char *at, Py_ssize_t size)
{
    for (; size > 0; size--)
        crc = crc >> 8 ^ crc_of_byte[(crc ^ *at++) & 0xff];
    return crc;
}

#if defined(__x86_64__) && defined(__GNUC__)
__attribute__((target("sse4.2"))) static uint32_t
crc_of_words(uint32_t before, const unsigned char *at, Py_ssize_t size)
{
    uint64_t crc = before, word;
    for (; size > 0; size -= 8, at += 8) {
        memcpy(&word, at, 8);
        crc = __builtin_ia32_crc32di(crc, word);
    }
    return (uint32_t)crc;
}
#define CAN_DO_WORDS __builtin_cpu_supports("sse4.2")
#else
#define crc_of_words crc_of_bytes
#define CAN_DO_WORDS 0
#endif

static uint32_t crc32c(const unsigned char *at, Py_ssize_t size)
{
    Py_ssize_t words = CAN_DO_WORDS ? size & ~(Py_ssize_t)7 : 0;
    return ~crc_of_bytes(crc_of_words(~0u, at, words), at + words, size - words);
}
