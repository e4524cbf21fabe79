// SPDX-License-Identifier: GPL-2.0
/* mktrace [-2b] [-l 4|8] -f FORMATS OUT < SCRIPT: a trace.dat from text, see tf_script(). */
#include <stdlib.h>
#include <unistd.h>

#include "tracefile.h"

int main(int argc, char **argv)
{
	struct tf_file tf = { .long_size = 8, .cpus = 1 };
	const char *formats = "formats";
	int opt, ret;

	while ((opt = getopt(argc, argv, "2bl:f:")) != -1) {
		if (opt == 'b')
			tf.big = true;
		else if (opt == '2')
			tf.twice = true;
		else if (opt == 'l')
			tf.long_size = atoi(optarg);
		else if (opt == 'f')
			formats = optarg;
		else
			return 2;
	}
	if (optind != argc - 1 || (tf.long_size != 4 && tf.long_size != 8)) {
		fprintf(stderr, "usage: mktrace [-2b] [-l 4|8] [-f FORMATS] OUT < SCRIPT\n");
		return 2;
	}
	ret = tf_load_formats(&tf, formats) || tf_script(&tf, stdin) || tf_write(&tf, argv[optind]);
	tf_free(&tf);
	return ret;
}
