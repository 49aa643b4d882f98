-- Each of the bodies in a file (one per line) in turn, and the figures as one line of JSON.
-- wrk ... -s wrk.lua URL -- FILE

local threads = {}

function setup(thread)
  table.insert(threads, thread)
end

function init(args)
  requests, count, not_200 = {}, 0, 0
  for body in io.lines(args[1]) do
    local headers = { ["Content-Type"] = "application/json" }
    table.insert(requests, wrk.format("POST", nil, headers, body))
  end
end

function request()
  count = count + 1
  return requests[(count - 1) % #requests + 1]
end

-- wrk itself takes every status below 400 for a success.
function response(status)
  if status ~= 200 then
    not_200 = not_200 + 1
  end
end

function done(summary, latency)
  local failures = 0
  for _, thread in ipairs(threads) do
    failures = failures + thread:get("not_200")
  end
  local errors = summary.errors
  failures = failures + errors.connect + errors.read + errors.write + errors.timeout
  print(string.format(
    '{"requests": %d, "secs": %.6f, "p50_ms": %.3f, "p99_ms": %.3f, "failures": %d}',
    summary.requests, summary.duration / 1e6,
    latency:percentile(50) / 1e3, latency:percentile(99) / 1e3, failures
  ))
end
