#include "nn/plain_conv.h"

#include <string.h>

/* Columns of a panel: enough for an efficient product, few enough for the cache. */
enum { PANEL_COLUMNS = 256 };

/* What every job of a convolution knows. Pointers that an operation has no use for are NULL. */
struct conv_work {
    const struct sam_plain_conv *conv;
    const struct sam_plain_workspace *workspace;
    int batch;
    int output;     /* height and width of the output */
    int columns;    /* N * output * output: from a channel of the output to the next */
    int panel_rows; /* rows of output in a panel */
    int patch;      /* in * kernel * kernel: rows of a panel */
    const real *x, *weight, *dy;
    real *y, *dx, *dweight;
    bool add;
};

/* A range of output rows, counted through the minibatch: row n * output + h is row h of image n. */
struct rows {
    int first, count;
};

int sam_plain_conv_output_size(const struct sam_plain_conv *conv)
{
    return (conv->size + conv->stride - 1) / conv->stride;
}

static int rows_of_panel(const struct sam_plain_conv *conv)
{
    const int rows = PANEL_COLUMNS / sam_plain_conv_output_size(conv);
    return rows > 0 ? rows : 1;
}

static int patch_of(const struct sam_plain_conv *conv)
{
    return conv->in * conv->kernel * conv->kernel;
}

size_t sam_plain_conv_panel(const struct sam_plain_conv *conv)
{
    const int columns = rows_of_panel(conv) * sam_plain_conv_output_size(conv);
    return (size_t)patch_of(conv) * (size_t)columns;
}

size_t sam_plain_conv_weights(const struct sam_plain_conv *conv)
{
    return (size_t)conv->out * (size_t)patch_of(conv);
}

static struct conv_work work_new(const struct sam_plain_conv *conv,
                                 const struct sam_plain_workspace *workspace, int batch)
{
    const int output = sam_plain_conv_output_size(conv);
    return (struct conv_work){.conv = conv,
                              .workspace = workspace,
                              .batch = batch,
                              .output = output,
                              .columns = batch * output * output,
                              .panel_rows = rows_of_panel(conv),
                              .patch = patch_of(conv)};
}

static int ceil_div(int a, int b)
{
    return (a + b - 1) / b;
}

static int panels_of(const struct conv_work *work)
{
    return ceil_div(work->batch * work->output, work->panel_rows);
}

/* The panel that starts at a row, and ends before row `end` at the latest. */
static struct rows panel_at(const struct conv_work *work, int first, int end)
{
    const int left = end - first;
    return (struct rows){first, left < work->panel_rows ? left : work->panel_rows};
}

static real *scratch(const struct conv_work *work, int worker)
{
    return work->workspace->panels + (size_t)worker * work->workspace->panel;
}

/* One element (u, v) of the kernel as seen from an output row: input row S*h + above, and for the
 * output columns first .. last-1 the input column S*w + left, which lies within the image. */
struct tap {
    int above, left, first, last;
};

static struct tap tap_at(const struct conv_work *work, int u, int v)
{
    const struct sam_plain_conv *conv = work->conv;
    const int pad = conv->kernel / 2;
    const int left = v - pad;
    const int last = ceil_div(conv->size - left, conv->stride);
    return (struct tap){.above = u - pad,
                        .left = left,
                        .first = left < 0 ? ceil_div(-left, conv->stride) : 0,
                        .last = last < work->output ? last : work->output};
}

/* The place in x or dx of input row S*h + above of channel i for an output row, or -1 outside. */
static ptrdiff_t input_row(const struct conv_work *work, int channel, int row, int above)
{
    const struct sam_plain_conv *conv = work->conv;
    const int image = row / work->output;
    const int h = conv->stride * (row % work->output) + above;
    if (h < 0 || h >= conv->size)
        return -1;
    return (((ptrdiff_t)channel * work->batch + image) * conv->size + h) * conv->size;
}

/* A run of a panel row, the part of one output row: from x, with zeros outside of the image. */
static void gather(const real *x, int stride, struct tap tap, int output, real *panel)
{
    for (int w = 0; w < tap.first; w++)
        panel[w] = 0;
    if (stride == 1)
        memcpy(panel + tap.first, x + tap.first + tap.left,
               (size_t)(tap.last - tap.first) * sizeof *x);
    else
        for (int w = tap.first; w < tap.last; w++)
            panel[w] = x[w * stride + tap.left];
    for (int w = tap.last; w < output; w++)
        panel[w] = 0;
}

/* The way back: a run is added where it came from. */
static void scatter(const real *panel, int stride, struct tap tap, real *dx)
{
    for (int w = tap.first; w < tap.last; w++)
        dx[w * stride + tap.left] += panel[w];
}

/* What is done with each run of `output` elements of a panel: `at` is the place in x or dx of the
 * input row that it comes from, or -1 if that lies outside of the image. */
typedef void visit_run(const struct conv_work *work, struct tap tap, ptrdiff_t at, real *run);

static void read_run(const struct conv_work *work, struct tap tap, ptrdiff_t at, real *run)
{
    if (at < 0)
        memset(run, 0, (size_t)work->output * sizeof *run);
    else
        gather(work->x + at, work->conv->stride, tap, work->output, run);
}

static void add_run(const struct conv_work *work, struct tap tap, ptrdiff_t at, real *run)
{
    if (at >= 0)
        scatter(run, work->conv->stride, tap, work->dx + at);
}

/* Walks through panel (in*kernel*kernel, rows*output), the patches of some rows of output. */
static void for_patches(const struct conv_work *work, struct rows rows, real *panel,
                        visit_run *visit)
{
    const int kernel = work->conv->kernel;
    for (int i = 0; i < work->conv->in; i++)
        for (int k = 0; k < kernel * kernel; k++) {
            const struct tap tap = tap_at(work, k / kernel, k % kernel);
            for (int r = rows.first; r < rows.first + rows.count; r++, panel += work->output)
                visit(work, tap, input_row(work, i, r, tap.above), panel);
        }
}

/* Matrices as they are stored: the weight (out, patch), a panel (patch, columns), and some rows of
 * dy: the columns (out, rows*output) of (out, N*output*output). */
static struct sam_plain_matrix weight_of(const struct conv_work *work, enum sam_plain_form form)
{
    return (struct sam_plain_matrix){work->weight, work->patch, form};
}

static struct sam_plain_matrix panel_of(const real *panel, int columns, enum sam_plain_form form)
{
    return (struct sam_plain_matrix){panel, columns, form};
}

static struct sam_plain_matrix dy_of(const struct conv_work *work, struct rows rows)
{
    const real *first = work->dy + (size_t)rows.first * (size_t)work->output;
    return (struct sam_plain_matrix){first, work->columns, SAM_PLAIN_AS_IS};
}

/* Forward: a job is a panel. */
static void forward_job(void *context, size_t job, int worker)
{
    const struct conv_work *work = context;
    const struct rows rows =
        panel_at(work, (int)job * work->panel_rows, work->batch * work->output);
    const int columns = rows.count * work->output;
    real *panel = scratch(work, worker);
    for_patches(work, rows, panel, read_run);
    sam_plain_multiply(work->conv->out, columns, work->patch, weight_of(work, SAM_PLAIN_AS_IS),
                       panel_of(panel, columns, SAM_PLAIN_AS_IS), 0,
                       work->y + (size_t)rows.first * (size_t)work->output, work->columns);
}

void sam_plain_conv_forward(const struct sam_plain_conv *conv,
                            const struct sam_plain_workspace *workspace, int batch, const real *x,
                            const real *weight, real *y)
{
    struct conv_work work = work_new(conv, workspace, batch);
    work.x = x;
    work.weight = weight;
    work.y = y;
    sam_pool_run(workspace->pool, (size_t)panels_of(&work), forward_job, &work);
}

/* Backward to the input: patches overlap, so a job is a number of whole images, no other job's. */
static int images_of_job(const struct conv_work *work)
{
    const int images = work->panel_rows / work->output;
    return images > 0 ? images : 1;
}

static void clear_images(const struct conv_work *work, int first, int count)
{
    const size_t pixels = (size_t)work->conv->size * (size_t)work->conv->size;
    for (int i = 0; i < work->conv->in; i++) {
        const size_t image = (size_t)i * (size_t)work->batch + (size_t)first;
        memset(work->dx + image * pixels, 0, (size_t)count * pixels * sizeof *work->dx);
    }
}

static void input_job(void *context, size_t job, int worker)
{
    const struct conv_work *work = context;
    const int per_job = images_of_job(work), first = (int)job * per_job;
    const int images = work->batch - first < per_job ? work->batch - first : per_job;
    real *panel = scratch(work, worker);
    if (!work->add)
        clear_images(work, first, images);
    const int end = (first + images) * work->output;
    for (int row = first * work->output; row < end; row += work->panel_rows) {
        const struct rows rows = panel_at(work, row, end);
        const int columns = rows.count * work->output;
        sam_plain_multiply(work->patch, columns, work->conv->out,
                           weight_of(work, SAM_PLAIN_TRANSPOSED), dy_of(work, rows), 0, panel,
                           columns);
        for_patches(work, rows, panel, add_run);
    }
}

void sam_plain_conv_backward_input(const struct sam_plain_conv *conv,
                                   const struct sam_plain_workspace *workspace, int batch,
                                   const real *dy, const real *weight, bool add, real *dx)
{
    struct conv_work work = work_new(conv, workspace, batch);
    work.dy = dy;
    work.weight = weight;
    work.add = add;
    work.dx = dx;
    sam_pool_run(workspace->pool, (size_t)ceil_div(batch, images_of_job(&work)), input_job, &work);
}

/* Backward to the weight: a job sums over a slice of the panels. */
static int slices_of(const struct conv_work *work)
{
    const int panels = panels_of(work);
    return panels < SAM_PLAIN_SLICES ? panels : SAM_PLAIN_SLICES;
}

static void weight_job(void *context, size_t job, int worker)
{
    const struct conv_work *work = context;
    const int panels = panels_of(work), slices = slices_of(work), slice = (int)job;
    const int first = panels * slice / slices, last = panels * (slice + 1) / slices;
    real *partial = work->workspace->partials + job * sam_plain_conv_weights(work->conv);
    real *panel = scratch(work, worker);
    for (int p = first; p < last; p++) {
        const struct rows rows = panel_at(work, p * work->panel_rows, work->batch * work->output);
        const int columns = rows.count * work->output;
        for_patches(work, rows, panel, read_run);
        sam_plain_multiply(work->conv->out, work->patch, columns, dy_of(work, rows),
                           panel_of(panel, columns, SAM_PLAIN_TRANSPOSED), p > first, partial,
                           work->patch);
    }
}

/* The sum of the slices: a job is a range of the weight. */
enum { SUM_RANGE = 16384 };

static void sum_job(void *context, size_t job, int worker)
{
    const struct conv_work *work = context;
    (void)worker;
    const size_t weights = sam_plain_conv_weights(work->conv);
    const size_t first = job * SUM_RANGE;
    const size_t last = weights - first < SUM_RANGE ? weights : first + SUM_RANGE;
    const real *partial = work->workspace->partials;
    memcpy(work->dweight + first, partial + first, (last - first) * sizeof *partial);
    for (int slice = 1; slice < slices_of(work); slice++) {
        partial += weights;
        for (size_t i = first; i < last; i++)
            work->dweight[i] += partial[i];
    }
}

void sam_plain_conv_backward_weight(const struct sam_plain_conv *conv,
                                    const struct sam_plain_workspace *workspace, int batch,
                                    const real *x, const real *dy, real *dweight)
{
    struct conv_work work = work_new(conv, workspace, batch);
    work.x = x;
    work.dy = dy;
    work.dweight = dweight;
    sam_pool_run(workspace->pool, (size_t)slices_of(&work), weight_job, &work);
    const size_t ranges = (sam_plain_conv_weights(conv) + SUM_RANGE - 1) / SUM_RANGE;
    sam_pool_run(workspace->pool, ranges, sum_job, &work);
}
