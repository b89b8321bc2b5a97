#include <algorithm>

#include "bindings.hpp"
#include "deltarule/kernels.hpp"
#include "names.hpp"

// Single numbers of the core, for tests.
namespace deltarule::bindings {
namespace {

Output<uint64_t> words_array(uint64_t key, uint64_t stream, uint64_t epoch, uint64_t start, int64_t count) {
    if (count < 0) refuse("count must not be negative (got " + std::to_string(count) + ").");
    auto out = new_array<uint64_t>({size_t(count)});
    words(key, stream, epoch, start, count, out.data());
    return out;
}

Output<int64_t> order_array(const std::string& kind, uint64_t key, uint64_t epoch, int64_t n) {
    if (n < 0 || n >= int64_t(1) << 32)
        refuse("n must be from 0 to 2**32 - 1 (got " + std::to_string(n) + ").");
    auto out = new_array<int64_t>({size_t(n)});
    order(order_of(kind), key, epoch, n, 0, n, out.data());
    return out;
}

template <class T>
nb::tuple activate_array(Activation kind, double parameter, const Input& z, bool output) {
    const T* from = data_of<T>(z, "z", {-1});
    const size_t count = z.shape(0), lanes = size_t(kernels<T>().lanes),
                 padded = (count + lanes - 1) / lanes * lanes;
    std::vector<T> value(padded), slope(padded);
    std::copy_n(from, count, value.begin());
    kernels<T>().activate(kind, T(parameter), value.data(), slope.data(), int64_t(padded), output);
    auto a = new_array<T>({count}), s = new_array<T>({count});
    std::copy_n(value.begin(), count, a.data());
    std::copy_n(slope.begin(), count, s.data());
    return nb::make_tuple(a, s);
}

nb::tuple activation(const std::string& name, double parameter, nb::object numbers, bool output) {
    const Input z = array_of(numbers, "z");
    if (activation_of(name) == Activation::softmax) refuse("softmax is not elementwise.");
    if (z.dtype() == nb::dtype<float>())
        return activate_array<float>(activation_of(name), parameter, z, output);
    return activate_array<double>(activation_of(name), parameter, z, output);
}

std::vector<std::string> available_isas() {
    std::vector<std::string> names;
    for (Isa isa : {Isa::plain, Isa::v2, Isa::v3, Isa::v4})
        if (isa_available(isa)) names.push_back(isa_name(isa));
    return names;
}

}  // namespace

void bind_numbers(nb::module_& m) {
    m.def("isa", [] { return std::string(isa_name(current_isa())); });
    m.def("available_isas", &available_isas);
    m.def("words", &words_array, nb::arg("key"), nb::arg("stream"), nb::arg("epoch"), nb::arg("start"),
          nb::arg("count"));
    m.def("order", &order_array, nb::arg("kind"), nb::arg("key"), nb::arg("epoch"), nb::arg("n"));
    m.def("activation", &activation, nb::arg("name"), nb::arg("parameter"), nb::arg("z"),
          nb::arg("output") = false);
}

}  // namespace deltarule::bindings
