"""Steady load: every user sends one request after another, each as soon as the answer to the last has come.

With meshproof, or by itself: locust -f steady.py --headless -u 8 -r 8 -t 5s --host http://127.0.0.1:8080/hello
"""

from gevent import monkey
from locust import User, constant, events, task
from meshproof.traffic.generator.dispatcher import Dispatcher
from meshproof.traffic.generator.session import Session
from meshproof.traffic.role import listen

dispatcher = Dispatcher(monkey.get_original)
listen(dispatcher, events)


class Steady(User):
    wait_time = constant(0)

    def on_start(self):
        self.session = Session(dispatcher, self.environment)

    def on_stop(self):
        self.session.close()

    @task
    def requests(self):
        self.session.send_several()
