#!/usr/bin/env python3
"""trace.py with other attackers than its own: those who take their time before they begin.

  attackers.py OUT [the arguments of trace.py]

  patient        one mail every 3 hours for 3 to 6 days through one host abroad, then a burst
  patient_home   the same through one host in the victim's own country
  patient_boxes  the same from abroad, to few boxes of the attacker's own, which so become known, then a burst
"""
import trace


def patiently(world, r, a, t, ip, recipients):
    t += r.random() * 80000
    out, burst = [], t + r.uniform(3, 6) * 86400
    while t < burst:
        out.append((t, ip, a.addr, recipients(1), 5000))
        t += 3 * 3600 * r.uniform(.9, 1.1)
    for _ in range(r.randint(200, 600)):
        out.append((t, ip, a.addr, world.spam_rcpt(r, r.choice([1, 1, 1, 2, 5])), 5000))
        t += r.expovariate(1 / 5)
    return out


def h_patient(self, r, a, t):
    ip = trace.ip_in(r, r.choice(trace.VPS_COUNTRIES), r.choice(list(trace.HOSTING)))
    return patiently(self, r, a, t, ip, lambda n: self.spam_rcpt(r, n))


def h_patient_home(self, r, a, t):
    ip = trace.ip_in(r, self.home, r.choice(list(trace.EYEBALL) + list(trace.HOSTING)))
    return patiently(self, r, a, t, ip, lambda n: self.spam_rcpt(r, n))


def h_patient_boxes(self, r, a, t):
    ip = trace.ip_in(r, r.choice(trace.VPS_COUNTRIES), r.choice(list(trace.HOSTING)))
    boxes = self.spam_rcpt(r, 5)
    return patiently(self, r, a, t, ip, lambda n: r.sample(boxes, n))


if __name__ == "__main__":
    for attacker in (h_patient, h_patient_home, h_patient_boxes):
        setattr(trace.World, attacker.__name__, attacker)
    trace.HIJACK_CLASSES[:] = ["patient", "patient_home", "patient_boxes"]
    trace.main()
