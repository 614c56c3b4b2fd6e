"""Use cases over ports: each public class or function is one thing the service is asked for."""
