#include "child.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>
#include <stdexcept>
#include <utility>

extern char** environ;

namespace gradus::bench {
namespace {

std::vector<char*> pointers(std::vector<std::string>& words) {
  std::vector<char*> all;
  for (std::string& word : words) all.push_back(word.data());
  all.push_back(nullptr);
  return all;
}

std::vector<std::string> environment_with(const std::map<std::string, std::string>& settings) {
  std::vector<std::string> all;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string text = *entry;
    if (!settings.count(text.substr(0, text.find('=')))) all.push_back(text);
  }
  for (const auto& [name, value] : settings) all.push_back(name + "=" + value);
  return all;
}

}  // namespace

Child::Child(const std::vector<std::string>& command, const std::map<std::string, std::string>& settings)
    : name_(command[0].substr(command[0].rfind('/') + 1)) {
  // Closed on exec, or a later child would hold the ends of this one open.
  int in[2], out[2];
  if (pipe2(in, O_CLOEXEC) != 0 || pipe2(out, O_CLOEXEC) != 0)
    throw std::runtime_error("[bench] no pipe for " + name_ + ": " + std::strerror(errno));
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, in[0], STDIN_FILENO);
  posix_spawn_file_actions_adddup2(&actions, out[1], STDOUT_FILENO);
  std::vector<std::string> words = command, environment = environment_with(settings);
  const int error = posix_spawn(&pid_, command[0].c_str(), &actions, nullptr, pointers(words).data(),
                                pointers(environment).data());
  posix_spawn_file_actions_destroy(&actions);
  close(in[0]);
  close(out[1]);
  to_ = fdopen(in[1], "w");
  from_ = fdopen(out[0], "r");
  if (error != 0) {
    pid_ = -1;
    std::fclose(to_);
    std::fclose(from_);
    throw std::runtime_error("[bench] " + name_ + " could not be started: " + std::strerror(error));
  }
}

Child::~Child() {
  std::fclose(to_);
  std::fclose(from_);
  if (pid_ > 0) waitpid(pid_, nullptr, 0);
}

std::string Child::end() {
  int status = 0;
  waitpid(std::exchange(pid_, -1), &status, 0);
  if (!WIFSIGNALED(status)) return "exit code " + std::to_string(WEXITSTATUS(status));
  return "signal " + std::to_string(WTERMSIG(status)) + " (" + strsignal(WTERMSIG(status)) + ")";
}

std::string Child::line() {
  std::string text;
  for (int c; (c = std::fgetc(from_)) != '\n'; text += static_cast<char>(c))
    if (c == EOF)
      throw std::runtime_error("[bench] " + name_ + " ended before it had answered, with " + end() + ".");
  return text;
}

std::string Child::ask(const std::string& question) {
  std::fprintf(to_, "%s\n", question.c_str());
  std::fflush(to_);
  return line();
}

}  // namespace gradus::bench
