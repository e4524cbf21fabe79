// SPDX-License-Identifier: GPL-2.0
/*
 * A client of Mesa that knows what its memory must hold: draws images with OpenGL ES, each in a
 * colour of its own, and reads every pixel of them again and again. Needs no window.
 *
 * usage: gles-images SECONDS
 *
 * Exit status 0: every pixel was right each time. In an environment without PAN_MESA_DEBUG=noafbc
 * or =linear, Mesa reads images by running a shader, which the simulated GPU does not execute.
 */
#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <EGL/egl.h>
#include <EGL/eglext.h>
#include <GLES3/gl3.h>

#define IMAGES 16
#define LARGEST (1024 * 512)

struct image {
	GLuint framebuffer;
	GLuint texture;
	GLsizei width;
	GLsizei height;
	/* What each pixel holds, in the order of the bytes */
	uint8_t colour[4];
};

/* Looked up when it runs: nothing of Mesa is needed to build this */
static struct gl {
	PFNGLBINDFRAMEBUFFERPROC BindFramebuffer;
	PFNGLBINDTEXTUREPROC BindTexture;
	PFNGLCHECKFRAMEBUFFERSTATUSPROC CheckFramebufferStatus;
	PFNGLCLEARPROC Clear;
	PFNGLCLEARCOLORPROC ClearColor;
	PFNGLFRAMEBUFFERTEXTURE2DPROC FramebufferTexture2D;
	PFNGLGENFRAMEBUFFERSPROC GenFramebuffers;
	PFNGLGENTEXTURESPROC GenTextures;
	PFNGLGETERRORPROC GetError;
	PFNGLGETSTRINGPROC GetString;
	PFNGLREADPIXELSPROC ReadPixels;
	PFNGLTEXSTORAGE2DPROC TexStorage2D;
} gl;

static int fail(const char *what)
{
	fprintf(stderr, "gles-images: %s\n", what);
	return -1;
}

/* A context of the GPU's, without a surface */
static int make_context(PFNEGLGETPROCADDRESSPROC get)
{
	static const EGLint attributes[] = { EGL_CONTEXT_MAJOR_VERSION, 3, EGL_NONE };
	PFNEGLGETPLATFORMDISPLAYPROC get_display = (void *)get("eglGetPlatformDisplay");
	PFNEGLINITIALIZEPROC initialize = (void *)get("eglInitialize");
	PFNEGLBINDAPIPROC bind_api = (void *)get("eglBindAPI");
	PFNEGLCREATECONTEXTPROC create_context = (void *)get("eglCreateContext");
	PFNEGLMAKECURRENTPROC make_current = (void *)get("eglMakeCurrent");
	EGLDisplay display;
	EGLContext context;

	if (!get_display || !initialize || !bind_api || !create_context || !make_current)
		return fail("EGL 1.5 is needed");

	display = get_display(EGL_PLATFORM_SURFACELESS_MESA, EGL_DEFAULT_DISPLAY, NULL);
	if (!initialize(display, NULL, NULL) || !bind_api(EGL_OPENGL_ES_API))
		return fail("EGL cannot be initialized");

	context = create_context(display, EGL_NO_CONFIG_KHR, EGL_NO_CONTEXT, attributes);
	if (context == EGL_NO_CONTEXT ||
	    !make_current(display, EGL_NO_SURFACE, EGL_NO_SURFACE, context))
		return fail("no context of OpenGL ES 3");

	return 0;
}

static int load_gl(void)
{
	static const struct {
		const char *name;
		void **place;
	} functions[] = {
		{ "glBindFramebuffer", (void **)&gl.BindFramebuffer },
		{ "glBindTexture", (void **)&gl.BindTexture },
		{ "glCheckFramebufferStatus", (void **)&gl.CheckFramebufferStatus },
		{ "glClear", (void **)&gl.Clear },
		{ "glClearColor", (void **)&gl.ClearColor },
		{ "glFramebufferTexture2D", (void **)&gl.FramebufferTexture2D },
		{ "glGenFramebuffers", (void **)&gl.GenFramebuffers },
		{ "glGenTextures", (void **)&gl.GenTextures },
		{ "glGetError", (void **)&gl.GetError },
		{ "glGetString", (void **)&gl.GetString },
		{ "glReadPixels", (void **)&gl.ReadPixels },
		{ "glTexStorage2D", (void **)&gl.TexStorage2D },
	};
	void *egl = dlopen("libEGL.so.1", RTLD_NOW);
	PFNEGLGETPROCADDRESSPROC get = egl ? dlsym(egl, "eglGetProcAddress") : NULL;

	if (!get)
		return fail(dlerror());

	for (size_t i = 0; i < sizeof(functions) / sizeof(functions[0]); i++) {
		*functions[i].place = (void *)get(functions[i].name);
		if (!*functions[i].place)
			return fail(functions[i].name);
	}

	return make_context(get);
}

/* From one tile of 16 x 16 to 2 MiB; some end within a tile */
static int make_image(struct image *image, int nr)
{
	static const GLsizei sizes[][2] = { { 16, 16 }, { 100, 37 }, { 256, 256 }, { 1024, 512 } };
	const GLsizei *size = sizes[nr % 4];

	image->width = size[0];
	image->height = size[1];
	gl.GenTextures(1, &image->texture);
	gl.BindTexture(GL_TEXTURE_2D, image->texture);
	gl.TexStorage2D(GL_TEXTURE_2D, 1, GL_RGBA8, image->width, image->height);
	gl.GenFramebuffers(1, &image->framebuffer);
	gl.BindFramebuffer(GL_FRAMEBUFFER, image->framebuffer);
	gl.FramebufferTexture2D(GL_FRAMEBUFFER, GL_COLOR_ATTACHMENT0, GL_TEXTURE_2D, image->texture,
				0);
	if (gl.CheckFramebufferStatus(GL_FRAMEBUFFER) != GL_FRAMEBUFFER_COMPLETE)
		return fail("an image cannot be drawn to");

	return 0;
}

/* In a colour that no image had before, @nr counts on */
static void draw(struct image *image, unsigned int nr)
{
	uint32_t colour = nr * 2654435761u;

	for (int i = 0; i < 4; i++)
		image->colour[i] = colour >> 8 * i;
	gl.BindFramebuffer(GL_FRAMEBUFFER, image->framebuffer);
	gl.ClearColor(image->colour[0] / 255.0f, image->colour[1] / 255.0f,
		      image->colour[2] / 255.0f, image->colour[3] / 255.0f);
	gl.Clear(GL_COLOR_BUFFER_BIT);
}

static int verify(const struct image *image, uint8_t *pixels)
{
	size_t size = (size_t)image->width * image->height * 4;

	gl.BindFramebuffer(GL_FRAMEBUFFER, image->framebuffer);
	for (size_t i = 0; i < size; i++)
		pixels[i] = ~image->colour[i % 4];
	gl.ReadPixels(0, 0, image->width, image->height, GL_RGBA, GL_UNSIGNED_BYTE, pixels);
	if (gl.GetError() != GL_NO_ERROR)
		return fail("an image cannot be read");

	for (size_t i = 0; i < size; i++)
		if (pixels[i] != image->colour[i % 4]) {
			fprintf(stderr,
				"gles-images: %d x %d: byte %zu of %zu is %02x instead of %02x\n",
				image->width, image->height, i, size, pixels[i],
				image->colour[i % 4]);
			return -1;
		}

	return 0;
}

int main(int argc, char **argv)
{
	static uint8_t pixels[LARGEST * 4];
	static struct image images[IMAGES];
	unsigned int drawn = 0, rounds = 0;
	time_t seconds = argc == 2 ? strtol(argv[1], NULL, 10) : 0, start;

	if (seconds <= 0) {
		fprintf(stderr, "usage: gles-images SECONDS\n");
		return 2;
	}
	if (load_gl())
		return 1;

	for (int i = 0; i < IMAGES; i++) {
		if (make_image(&images[i], i))
			return 1;
		draw(&images[i], ++drawn);
	}

	start = time(NULL);
	do {
		for (int i = 0; i < IMAGES; i++)
			if (verify(&images[i], pixels))
				return 1;
		/* Old pixels and new ones, side by side */
		for (int i = rounds % 3; i < IMAGES; i += 3)
			draw(&images[i], ++drawn);
		rounds++;
	} while (time(NULL) - start < seconds || rounds < 6);

	printf("%s: %u images drawn, all read %u times\n", gl.GetString(GL_RENDERER), drawn,
	       rounds);
	return 0;
}
