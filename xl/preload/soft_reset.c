/*
 * Soft reset for PVH domains under xl, by preloading: LD_PRELOAD=/path/soft_reset.so xl create guest.cfg
 *
 * libxl_domain_soft_reset() of libxl, up to and including 4.22, refuses every domain type but HVM, and xl then
 * destroys the domain (docs/upstream.md). Xen itself has no such limit: XEN_DOMCTL_soft_reset takes PVH domains. This
 * stands in for that one function, does for PVH what it leaves out, and hands every other type to libxl. xl stays the
 * one who watches over the domain, unpauses it, and obeys its on_* settings.
 *
 * It is built for one version of libxl, named by LIBXL_SONAME, and with another one it ends xl before that has done
 * anything.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <libxl.h>
#include <xenctrl.h>
#include <xenstore.h>
#include <xen/hvm/params.h>
#include <xen/sched.h>

#ifndef LIBXL_SONAME
#error "define LIBXL_SONAME, as in -DLIBXL_SONAME='\"libxenlight.so.4.17\"': xl/preload/build.sh does"
#endif

typedef int soft_reset_fn(libxl_ctx *, libxl_domain_config *, uint32_t, const libxl_asyncop_how *,
                          const libxl_asyncprogress_how *);

static soft_reset_fn *libxls;

__attribute__((constructor)) static void check_libxl(void)
{
    const char *name;
    Dl_info info;

    /* Of a program that is not xl, a script for instance that xl runs, nothing is wanted. */
    libxls = (soft_reset_fn *)dlsym(RTLD_NEXT, "libxl_domain_soft_reset");
    if (!libxls)
        return;
    if (dladdr((void *)libxls, &info) && info.dli_fname) {
        name = strrchr(info.dli_fname, '/');
        name = name ? name + 1 : info.dli_fname;
        if (!strncmp(name, LIBXL_SONAME, strlen(LIBXL_SONAME)) &&
            (!name[strlen(LIBXL_SONAME)] || name[strlen(LIBXL_SONAME)] == '.'))
            return;
    } else {
        name = "a libxl that cannot be told";
    }
    fprintf(stderr, "soft_reset.so: this is %s, and I am built for %s: run xl/preload/build.sh with this libxl's headers\n",
            name, LIBXL_SONAME);
    _exit(EXIT_FAILURE);
}

struct domain {
    uint32_t id;
    xc_interface *xc;
    struct xs_handle *xs;
};

static int failed(const struct domain *domain, const char *what)
{
    fprintf(stderr, "soft_reset.so: domain %" PRIu32 ": %s failed: %m\n", domain->id, what);
    return ERROR_FAIL;
}

/* Only a domain that has just asked for it: anything else would lose its event channels. */
static bool has_asked(const struct domain *domain)
{
    xc_domaininfo_t info;

    return xc_domain_getinfolist(domain->xc, domain->id, 1, &info) == 1 && info.domain == domain->id &&
           info.flags & XEN_DOMINF_shutdown &&
           ((info.flags >> XEN_DOMINF_shutdownshift) & XEN_DOMINF_shutdownmask) == SHUTDOWN_soft_reset;
}

static bool write_number(const struct domain *domain, const char *node, unsigned long value)
{
    char path[64], text[32];
    int length = snprintf(text, sizeof(text), "%lu", value);

    snprintf(path, sizeof(path), "/local/domain/%" PRIu32 "/%s", domain->id, node);
    return xs_write(domain->xs, XBT_NULL, path, text, length);
}

static bool read_number(const struct domain *domain, const char *node, unsigned long *value)
{
    char path[64], *text, *end;
    unsigned int length;
    bool good;

    snprintf(path, sizeof(path), "/local/domain/%" PRIu32 "/%s", domain->id, node);
    text = xs_read(domain->xs, XBT_NULL, path, &length);
    if (!text)
        return false;
    *value = strtoul(text, &end, 10);
    good = end != text && !*end;
    free(text);
    return good;
}

/*
 * The reset, and then what it took from the domain that others have a part in: the two event channels, in the order
 * in which a new domain gets them, so that they have their old numbers too.
 */
static int reset(const struct domain *domain)
{
    xc_evtchn_port_or_error_t store, console;
    unsigned long ring;

    if (!has_asked(domain))
        return failed(domain, "finding it shut down for a soft reset");
    if (!read_number(domain, "store/ring-ref", &ring))
        return failed(domain, "reading store/ring-ref");
    /* It is paused for its shutdown, which the reset ends; xl unpauses it when all is done. */
    if (xc_domain_pause(domain->xc, domain->id))
        return failed(domain, "pausing it");
    if (xc_domain_soft_reset(domain->xc, domain->id))
        return failed(domain, "XEN_DOMCTL_soft_reset");
    store = xc_evtchn_alloc_unbound(domain->xc, domain->id, 0);
    console = xc_evtchn_alloc_unbound(domain->xc, domain->id, 0);
    if (store < 0 || console < 0)
        return failed(domain, "making its event channels");
    if (xc_hvm_param_set(domain->xc, domain->id, HVM_PARAM_STORE_EVTCHN, store) ||
        xc_hvm_param_set(domain->xc, domain->id, HVM_PARAM_CONSOLE_EVTCHN, console))
        return failed(domain, "telling it of its event channels");
    /* xenconsoled looks at the node that it watches; a known domain that is introduced again is bound again. */
    if (!write_number(domain, "store/port", store) || !write_number(domain, "console/port", console))
        return failed(domain, "writing its ports to the store");
    if (!xs_introduce_domain(domain->xs, domain->id, ring, store))
        return failed(domain, "XS_INTRODUCE");
    /* The C xenstored remembers that the domain was shut down, and would not report the next time. */
    if (!xs_resume_domain(domain->xs, domain->id))
        return failed(domain, "XS_RESUME");
    fprintf(stderr, "soft_reset.so: domain %" PRIu32 " is reset\n", domain->id);
    return 0;
}

int libxl_domain_soft_reset(libxl_ctx *ctx, libxl_domain_config *d_config, uint32_t domid,
                            const libxl_asyncop_how *ao_how, const libxl_asyncprogress_how *aop_console_how)
{
    struct domain domain = {.id = domid};
    int result;

    /* Who wants to be called back later is not xl, and gets what libxl has. */
    if (ao_how || d_config->c_info.type != LIBXL_DOMAIN_TYPE_PVH)
        return libxls(ctx, d_config, domid, ao_how, aop_console_how);
    domain.xc = xc_interface_open(NULL, NULL, 0);
    domain.xs = xs_open(0);
    result = domain.xc && domain.xs ? reset(&domain) : failed(&domain, "reaching Xen and the store");
    if (domain.xs)
        xs_close(domain.xs);
    if (domain.xc)
        xc_interface_close(domain.xc);
    return result;
}
