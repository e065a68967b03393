"""Ramp: users come one after another, each sending as in a steady load.

With meshproof they grow to the load's number over a few seconds. By itself they grow to -u over the first half of -t:
locust -f ramp.py --headless -u 20 -t 30s --host http://127.0.0.1:8080/hello
"""

from gevent import monkey
from locust import LoadTestShape, User, constant, events, task
from meshproof.traffic.generator.dispatcher import Dispatcher
from meshproof.traffic.generator.session import Session
from meshproof.traffic.role import listen

GROWTH_SECONDS = 4.0
DEFAULT_USERS = 10
DEFAULT_SECONDS = 60

dispatcher = Dispatcher(monkey.get_original, growth=GROWTH_SECONDS)
listen(dispatcher, events)


class Ramp(User):
    wait_time = constant(0)

    def on_start(self):
        self.session = Session(dispatcher, self.environment)

    def on_stop(self):
        self.session.close()

    @task
    def requests(self):
        self.session.send_several()


if not dispatcher.driven:

    class Growing(LoadTestShape):
        use_common_options = True

        def tick(self):
            options = self.runner.environment.parsed_options
            users = options.num_users or DEFAULT_USERS
            seconds = options.run_time or DEFAULT_SECONDS
            elapsed = self.get_run_time()
            if elapsed >= seconds:
                return None
            return max(1, min(users, round(users * 2 * elapsed / seconds))), users
