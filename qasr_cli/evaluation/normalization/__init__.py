"""Normalizers: named, versioned lists of pure steps that make two texts comparable."""
