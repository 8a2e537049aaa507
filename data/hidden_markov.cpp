#include <gradus/data/hidden_markov.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <tuple>

#include <gradus/core/check.h>

namespace gradus::data {
namespace {

std::size_t at(std::int64_t i) { return static_cast<std::size_t>(i); }

// Where each group of sorted items begins, and the end: group g is [first[g], first[g + 1]).
template <class Items, class Group>
std::vector<std::int32_t> firsts(const Items& items, std::int64_t groups, const Group& group) {
  std::vector<std::int32_t> first(at(groups) + 1);
  for (const auto& item : items) ++first[at(group(item)) + 1];
  std::partial_sum(first.begin(), first.end(), first.begin());
  return first;
}

template <class T>
std::span<const T> part(const std::vector<T>& all, const std::vector<std::int32_t>& first, std::int64_t i) {
  return std::span(all).subspan(at(first[at(i)]), at(first[at(i) + 1] - first[at(i)]));
}

// Expected visits to each state on a way from state 0 back to it, which are as the shares in the long run.
// Mass starts in state 0 and is followed until all of it has come back.
std::vector<double> visits_on_a_round(const HiddenMarkov& model) {
  std::vector<double> visits(at(model.states())), mass(visits.size()), moved(visits.size());
  mass[0] = 1;
  double left = 1;
  for (std::int64_t step = 0; left > 1e-17; ++step) {
    check(step < 1'000'000, "hidden_markov", "after a million steps from state 0, ", left,
          " of the ways are not back. Is there a state that does not lead back?");
    std::fill(moved.begin(), moved.end(), 0.0);
    for (std::size_t state = 0; state < mass.size(); ++state) visits[state] += mass[state];
    for (const Arc& arc : model.arcs()) moved[at(arc.to)] += mass[at(arc.from)] * arc.probability;
    moved[0] = 0;
    mass.swap(moved);
    left = std::accumulate(mass.begin(), mass.end(), 0.0);
  }
  return visits;
}

}  // namespace

HiddenMarkov::HiddenMarkov(std::int64_t states, std::int64_t tokens, std::vector<Arc> arcs)
    : arcs_(std::move(arcs)) {
  std::vector<double> sums(at(states));
  for (const Arc& arc : arcs_) {
    check(arc.from >= 0 && arc.from < states && arc.to >= 0 && arc.to < states && arc.token >= 0 &&
              arc.token < tokens && arc.probability > 0,
          "hidden_markov", "an arc from ", arc.from, " to ", arc.to, " with token ", arc.token,
          " and probability ", arc.probability, " does not fit ", states, " states and ", tokens, " tokens");
    sums[at(arc.from)] += arc.probability;
  }
  for (std::size_t state = 0; state < sums.size(); ++state) {
    check(std::abs(sums[state] - 1) < 1e-9, "hidden_markov", "the arcs from state ", state,
          " have probabilities that sum to ", sums[state], ", not to 1");
  }
  const auto key = [](const Arc& arc) { return std::tuple(arc.from, arc.token, arc.to); };
  std::stable_sort(arcs_.begin(), arcs_.end(), [&](const Arc& a, const Arc& b) { return key(a) < key(b); });
  first_ = firsts(arcs_, states, [](const Arc& arc) { return arc.from; });

  by_token_.resize(arcs_.size());
  std::iota(by_token_.begin(), by_token_.end(), 0);
  std::stable_sort(by_token_.begin(), by_token_.end(),
                   [&](std::int32_t a, std::int32_t b) { return arcs_[at(a)].token < arcs_[at(b)].token; });
  first_of_token_ = firsts(arcs_, tokens, [](const Arc& arc) { return arc.token; });

  first_edge_.push_back(0);
  for (std::int32_t state = 0; state < states; ++state) {
    std::vector<Edge> edges;
    for (const Arc& arc : arcs_from(state)) edges.push_back({arc.to, arc.probability});
    std::stable_sort(edges.begin(), edges.end(), [](const Edge& a, const Edge& b) { return a.to < b.to; });
    for (const Edge& edge : edges) {
      if (edges_.size() > at(first_edge_.back()) && edges_.back().to == edge.to) {
        edges_.back().probability += edge.probability;
      } else {
        edges_.push_back(edge);
      }
    }
    first_edge_.push_back(static_cast<std::int32_t>(edges_.size()));
  }

  stationary_ = visits_on_a_round(*this);
  const double total = std::accumulate(stationary_.begin(), stationary_.end(), 0.0);
  for (std::size_t state = 0; state < stationary_.size(); ++state) {
    check(stationary_[state] > 0, "hidden_markov", "no way leads from state 0 to state ", state);
    stationary_[state] /= total;
  }
}

std::span<const Arc> HiddenMarkov::arcs_from(std::int32_t state) const { return part(arcs_, first_, state); }

std::span<const Arc> HiddenMarkov::arcs_from(std::int32_t state, std::int64_t token) const {
  const std::span<const Arc> all = arcs_from(state);
  const auto begin =
      std::partition_point(all.begin(), all.end(), [&](const Arc& a) { return a.token < token; });
  const auto end = std::partition_point(begin, all.end(), [&](const Arc& a) { return a.token == token; });
  return {begin, end};
}

std::span<const std::int32_t> HiddenMarkov::arcs_of(std::int64_t token) const {
  return part(by_token_, first_of_token_, token);
}

std::span<const HiddenMarkov::Edge> HiddenMarkov::edges_from(std::int32_t state) const {
  return part(edges_, first_edge_, state);
}

void HiddenMarkov::check_token(std::int64_t token) const {
  check(token >= 0 && token < tokens(), "hidden_markov", "there is no token ", token, ": they go from 0 to ",
        tokens() - 1, ". Another vocabulary's?");
}

Filter::Filter(const HiddenMarkov& model, std::span<const double> prior)
    : model_(&model), belief_(prior.begin(), prior.end()), moved_(prior.size()) {
  check(std::ssize(prior) == model.states(), "hidden_markov", "a prior of ", prior.size(),
        " states for a model of ", model.states());
  const double total = std::accumulate(prior.begin(), prior.end(), 0.0);
  check(total > 0, "hidden_markov", "a prior that sums to ", total, " allows no state");
  for (std::int32_t state = 0; state < model.states(); ++state) {
    if (prior[at(state)] > 0) possible_.push_back(state);
    belief_[at(state)] /= total;
  }
}

double Filter::observe(std::int64_t token) {
  model_->check_token(token);
  std::vector<std::int32_t> reached;
  double total = 0;
  const auto take = [&](const Arc& arc) {
    const double mass = belief_[at(arc.from)] * arc.probability;
    if (mass <= 0) return;
    if (moved_[at(arc.to)] == 0) reached.push_back(arc.to);
    moved_[at(arc.to)] += mass;
    total += mass;
  };
  const std::span<const std::int32_t> of_token = model_->arcs_of(token);
  if (of_token.size() < possible_.size()) {
    for (const std::int32_t i : of_token) take(model_->arcs_[at(i)]);
  } else {
    for (const std::int32_t state : possible_) {
      for (const Arc& arc : model_->arcs_from(state, token)) take(arc);
    }
  }
  check(total > 0, "hidden_markov", "token ", token, " cannot come here. Is the text from another source?");
  for (const std::int32_t state : possible_) belief_[at(state)] = 0;
  for (const std::int32_t state : reached) moved_[at(state)] /= total;
  belief_.swap(moved_);
  possible_.swap(reached);
  return std::log(total);
}

std::vector<double> Filter::next() const {
  std::vector<double> probabilities(at(model_->tokens()));
  for (const std::int32_t state : possible_) {
    for (const Arc& arc : model_->arcs_from(state)) {
      probabilities[at(arc.token)] += belief_[at(state)] * arc.probability;
    }
  }
  return probabilities;
}

std::vector<double> surprisals(const HiddenMarkov& model, std::span<const double> prior,
                               std::span<const std::int64_t> tokens) {
  Filter filter(model, prior);
  std::vector<double> all;
  all.reserve(tokens.size());
  for (const std::int64_t token : tokens) all.push_back(-filter.observe(token));
  return all;
}

Smoother::Smoother(const HiddenMarkov& model, std::span<const double> prior, std::vector<Clue> clues,
                   const Allowed& allowed)
    : model_(&model), clues_(std::move(clues)), before_(clues_.size() + 1), after_(clues_.size() + 1) {
  check(std::ssize(prior) == model.states(), "hidden_markov", "a prior of ", prior.size(),
        " states for a model of ", model.states());
  for (const Clue& clue : clues_) model.check_token(clue.token);
  const auto may = [&](std::size_t time, std::int32_t state) { return !allowed || allowed(time, state); };
  std::vector<double> mass(at(model.states()));
  const auto scaled = [&](Belief& belief) {
    double total = 0;
    for (const auto& [state, p] : belief) total += p;
    for (auto& [state, p] : belief) p /= total;
    log_likelihood_ += std::log(total);
    return total > 0;
  };

  double prior_total = 0;
  for (std::int32_t state = 0; state < model.states(); ++state) {
    prior_total += prior[at(state)];
    if (prior[at(state)] > 0 && may(0, state)) before_[0].push_back({state, prior[at(state)]});
  }
  if (!scaled(before_[0])) return;
  log_likelihood_ -= std::log(prior_total);

  for (std::size_t time = 0; time < clues_.size(); ++time) {
    const Clue& clue = clues_[time];
    std::vector<std::int32_t> reached;
    const auto take = [&](std::int32_t to, double p) {
      if (mass[at(to)] == 0) reached.push_back(to);
      mass[at(to)] += p;
    };
    for (const auto& [state, p] : before_[time]) {
      if (clue.same > 0) {
        for (const Arc& arc : model.arcs_from(state, clue.token))
          take(arc.to, p * clue.same * arc.probability);
      }
      if (clue.other > 0) {
        for (const auto& edge : model.edges_from(state)) take(edge.to, p * clue.other * edge.probability);
      }
    }
    Belief& next = before_[time + 1];
    for (const std::int32_t state : reached) {
      if (may(time + 1, state)) next.push_back({state, mass[at(state)]});
      mass[at(state)] = 0;
    }
    if (!scaled(next)) return;
  }

  // Backwards, `mass` holds after_[time + 1] by state. A way that is not allowed is none of before_'s, and so
  // 0.
  after_.back().assign(before_.back().size(), 1.0);
  for (std::size_t time = clues_.size(); time-- > 0;) {
    const Clue& clue = clues_[time];
    for (std::size_t i = 0; i < before_[time + 1].size(); ++i) {
      mass[at(before_[time + 1][i].first)] = after_[time + 1][i];
    }
    double most = 0;
    for (const auto& [state, p] : before_[time]) {
      double sum = 0;
      if (clue.same > 0) {
        for (const Arc& arc : model.arcs_from(state, clue.token))
          sum += clue.same * arc.probability * mass[at(arc.to)];
      }
      if (clue.other > 0) {
        for (const auto& edge : model.edges_from(state))
          sum += clue.other * edge.probability * mass[at(edge.to)];
      }
      after_[time].push_back(sum);
      most = std::max(most, sum);
    }
    for (double& p : after_[time]) p /= most;
    for (const auto& [state, p] : before_[time + 1]) mass[at(state)] = 0;
  }
}

std::vector<double> Smoother::token(std::size_t time) const {
  check(time + 1 < before_.size(), "hidden_markov", "there is no token ", time, " among ",
        before_.size() - 1);
  check(std::isfinite(log_likelihood_), "hidden_markov",
        "nothing that the model can say agrees with all clues");
  check(clues_[time].other > 0, "hidden_markov", "token ", time,
        " is shown as it is: there is nothing to guess");
  std::vector<double> after(at(model_->states())), probabilities(at(model_->tokens()));
  for (std::size_t i = 0; i < before_[time + 1].size(); ++i) {
    after[at(before_[time + 1][i].first)] = after_[time + 1][i];
  }
  for (const auto& [state, p] : before_[time]) {
    for (const Arc& arc : model_->arcs_from(state)) {
      probabilities[at(arc.token)] += p * arc.probability * after[at(arc.to)];
    }
  }
  const double total = std::accumulate(probabilities.begin(), probabilities.end(), 0.0);
  for (double& p : probabilities) p /= total;
  return probabilities;
}

}  // namespace gradus::data
