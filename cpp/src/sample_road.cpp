#include "deltarule/sample_road.hpp"

namespace deltarule {

template <class T>
SampleRoad<T>::SampleRoad(Panels<T>& panels) : panels_(panels) {
    const std::vector<Layer>& layers = panels.layers();
    const int64_t lanes = panels.kernels().lanes;
    const size_t depth = layers.size();
    size_t bytes = Arena::need(layers[0].inputs, sizeof(T));
    for (const Layer& layer : layers) bytes += 4 * Arena::need(layer.panels * lanes, sizeof(T));
    scratch_ = std::make_unique<Arena>(bytes);
    pointers_.resize(3 * depth);
    for (size_t l = 0; l < depth; ++l)
        for (size_t kind = 0; kind < 3; ++kind)
            pointers_[kind * depth + l] = scratch_->take<T>(layers[l].panels * lanes);
    trail_ = {&pointers_[0], &pointers_[depth], &pointers_[2 * depth], scratch_->take<T>(layers[0].inputs),
              scratch_->take<T>(layers[depth - 1].panels * lanes)};
}

template <class T>
int64_t SampleRoad<T>::run(const Samples<T>& samples, const int64_t* order, int64_t count,
                           const double* rates, int64_t clock, double l1, double l2, double scale,
                           double& loss) {
    double corrected[most_steps()], decays[most_steps()];
    for (int64_t i = 0; i < count; ++i) {
        corrected[i] = panels_.rate_of(rates[i], clock + i);
        decays[i] = panels_.decay_of(rates[i]);
    }
    SampleRun<T> run{&panels_.network(), &samples,  panels_.store(), panels_.update_of(0, 0, l1, l2),
                     trail_,             order,     corrected,       decays,
                     count,              scale,     loss};
    const int64_t done = panels_.kernels().samples(run);
    loss = run.loss;
    return done;
}

template class SampleRoad<float>;
template class SampleRoad<double>;

}  // namespace deltarule
