/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The pattern that buffers are filled with. Every 64-byte line of every page of every buffer is
 * different, so that a page that was lost, swapped with another, or came back from an earlier fill
 * is told from the right one; and both sides can produce it: the CPU in a loop, the GPU with
 * nothing but 32-bit additions of constants.
 *
 * Word k of line l in page p: a number that depends on (seed, k), plus p times PATTERN_PAGE_STEP,
 * and for word 0 plus l times PATTERN_LINE_STEP, modulo 2^32.
 */
#ifndef LOAD_PATTERN_H
#define LOAD_PATTERN_H

#include <stddef.h>
#include <stdint.h>

#define PATTERN_PAGE 4096
#define PATTERN_LINE 64
#define PATTERN_LINES (PATTERN_PAGE / PATTERN_LINE)
#define PATTERN_WORDS (PATTERN_LINE / 4)
#define PATTERN_PAGE_STEP 0x9e3779b1u
#define PATTERN_LINE_STEP 0x85ebca77u

uint32_t pattern_word(uint32_t seed, uint32_t page, unsigned int line, unsigned int word);

/*
 * @first is the number of the first page at @map within its buffer; @size is a multiple of the page
 * size
 */
void pattern_fill(void *map, size_t size, uint32_t seed, uint32_t first);
/* Bytes up to the first one that is wrong: @size if all is right */
size_t pattern_verify(const void *map, size_t size, uint32_t seed, uint32_t first);

#endif
