"""Bursts: all users connect, wait for each other, and send one request each at the same moment; then again.

With meshproof, or by itself: locust -f burst.py --headless -u 3 -r 3 -t 5s --host http://127.0.0.1:8080/hello
"""

from gevent import monkey
from locust import User, constant, events, task
from meshproof.traffic.generator.burst import Burst
from meshproof.traffic.generator.dispatcher import Dispatcher
from meshproof.traffic.generator.session import Session
from meshproof.traffic.role import listen

# Between two bursts, when nothing else sets the pace.
PAUSE_SECONDS = 0.1

dispatcher = Dispatcher(monkey.get_original, at_once=True)
listen(dispatcher, events)
burst = Burst(dispatcher)


class Bursts(User):
    wait_time = constant(0 if dispatcher.driven else PAUSE_SECONDS)

    def on_start(self):
        self.session = Session(dispatcher, self.environment)

    def on_stop(self):
        self.session.close()

    @task
    def request(self):
        burst.send(self.session)
