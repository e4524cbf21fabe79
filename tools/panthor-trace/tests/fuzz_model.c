// SPDX-License-Identifier: GPL-2.0
/*
 * libFuzzer: records of any content through decode, model and words.
 *
 * Input: the first byte chooses byte order and limits; then records, each a
 * byte for the event, a byte for its length and its bytes. An event byte of
 * 0xff loses events instead.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <traceevent/event-parse.h>

#include "model/explain.h"
#include "tracefile.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Made once: one handle for each byte order */
static struct tep_handle *tep[2];
static struct pt_format formats[PT_NR_KINDS];
static struct pt_names names;

static void setup(void)
{
	struct tf_file tf = { .long_size = 8 };

	if (tf_load_formats(&tf, FORMATS))
		abort();
	pt_names_init(&names);
	for (int big = 0; big < 2; big++) {
		tep[big] = tep_alloc();
		tep_set_file_bigendian(tep[big], big ? TEP_BIG_ENDIAN : TEP_LITTLE_ENDIAN);
		tep_set_local_bigendian(tep[big], tep_is_bigendian());
		for (const struct tf_format *f = tf.formats; f; f = f->next)
			tep_parse_event(tep[big], f->text, f->len, f->system);
	}
	for (int i = 0; i < PT_NR_KINDS; i++)
		if (pt_format_init(&formats[i], &names,
				   tep_find_event_by_name(tep[0], PT_SYSTEM, pt_event_name(i))))
			abort();
	tf_free(&tf);
}

static void on_request(void *context, const struct pt_request *req)
{
	struct pt_style style = { .names = &names, .bos = true, .indent = "" };
	struct pt_text *text = context;
	unsigned int permille[PT_NR_CAUSES], sum = 0;

	pt_account(text, req, &style);
	pt_sentence(text, req, &style);
	pt_split(req, permille);
	for (int i = 0; i < PT_NR_CAUSES; i++)
		sum += permille[i];
	if (sum != 0 && sum != 1000)
		abort();
	if (req->n_bos > req->seen.evicted_bos + req->seen.skipped_bos + req->seen.earlier_bos)
		abort();
}

/* What is printed must be harmless whatever came in. */
static void check_text(struct pt_text *text)
{
	for (size_t i = 0; i < text->len; i++)
		if ((unsigned char)text->s[i] < ' ' && text->s[i] != '\n')
			abort();
	pt_text_reset(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct pt_style style = { .names = &names };
	struct pt_text text = { 0 };
	struct pt_model_config config = { .request = on_request, .context = &text };
	struct pt_model *model;
	uint64_t ts = 0;
	int big;

	if (!tep[0])
		setup();
	if (!size)
		return 0;
	big = data[0] & 1;
	config.max_open = data[0] & 2 ? 4 : 0;
	config.max_bos = data[0] & 4 ? 4 : 0;
	style.units.bytes = data[0] & 32;
	style.units.ns = style.units.bytes;
	model = pt_model_new(&config);

	for (size_t at = 1; at + 2 <= size;) {
		struct pt_event ev;
		size_t len = data[at + 1];
		unsigned char *copy;

		if (data[at] == 0xff) {
			pt_model_lost(model, len);
			at += 2;
			continue;
		}
		if (len > size - at - 2)
			len = size - at - 2;
		/* of its very size, so that AddressSanitizer sees its end */
		copy = malloc(len ?: 1);
		memcpy(copy, data + at + 2, len);
		if (!pt_decode(&formats[data[at] % PT_NR_KINDS], tep[big], copy, len, &ev)) {
			ev.ts = data[at] & 0x40 ? 0 : ++ts;
			pt_line(&text, &ev, &style);
			pt_model_feed(model, &ev);
			check_text(&text);
		}
		free(copy);
		at += 2 + len;
	}
	pt_model_flush(model);
	check_text(&text);
	pt_model_free(model);
	pt_text_free(&text);
	return 0;
}
