#include "elementwise_table.hpp"

#include <stdexcept>

#include "deltarule/kernels.hpp"

namespace deltarule {

#define DELTARULE_TABLE(name) \
    namespace name { \
    extern const ElementwiseTable elementwise_table; \
    }
DELTARULE_TABLE(plain)
DELTARULE_TABLE(v2)
DELTARULE_TABLE(v3)
DELTARULE_TABLE(v4)

const ElementwiseTable& elementwise() {
    switch (current_isa()) {
#if defined(DELTARULE_HAS_plain)
        case Isa::plain: return plain::elementwise_table;
#endif
#if defined(DELTARULE_HAS_v2)
        case Isa::v2: return v2::elementwise_table;
#endif
#if defined(DELTARULE_HAS_v3)
        case Isa::v3: return v3::elementwise_table;
#endif
#if defined(DELTARULE_HAS_v4)
        case Isa::v4: return v4::elementwise_table;
#endif
        default: throw std::logic_error("no elementwise functions for this instruction set");
    }
}

}  // namespace deltarule
